"""What builds and checks the kit: nothing here is deployed."""
