"""A folder of photos in, a folder of made pictures out: resumable runs in several processes, and the batch."""
