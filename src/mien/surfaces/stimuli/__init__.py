"""Sets of pictures for experiments: equal framing, equal luminance, each picture measured."""
