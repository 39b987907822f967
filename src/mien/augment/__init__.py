"""`mien augment`: generated, labelled faces of the training people, for whoever trains a classifier."""
