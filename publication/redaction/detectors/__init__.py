"""Recognisers. Each module offers ``find(view) -> Iterator[Hit]`` in the coordinates of the normalised copy."""
