"""Programs that build and check the kit; none of them is deployed."""
