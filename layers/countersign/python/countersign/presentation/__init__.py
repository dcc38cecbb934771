"""What people read: amounts, dates, durations, and the catalogue of texts."""
