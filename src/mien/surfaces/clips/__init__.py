"""Faces that move: video files, and clips from one photo."""
