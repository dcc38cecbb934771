"""What a settings file may say."""
