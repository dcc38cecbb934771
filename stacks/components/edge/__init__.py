"""The public edge: the API, its routes and its stage."""
