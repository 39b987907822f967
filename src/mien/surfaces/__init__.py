"""What people use an `Editor` through: folders, stimuli, a function of one line. Thin callers, each in its own file."""
