"""What is saved, and how: files that run no code, and all that training needs to go on exactly."""
