"""The demo story: half a year of a complaints centre, told through the real transitions."""
