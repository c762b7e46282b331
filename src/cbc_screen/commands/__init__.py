"""The commands of cbc-screen, one module a subject."""
