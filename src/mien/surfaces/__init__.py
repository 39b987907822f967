"""What people use an `Editor` through: folders, stimuli, clips, a camera, a page, one line of Python."""
