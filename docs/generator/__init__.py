"""What makes the generated parts of the documentation, a module a page."""
