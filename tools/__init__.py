"""What a user runs beside training: reports, and later motions and export."""
