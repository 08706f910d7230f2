"""``python -m tests.soak``: many mixed requests through a whole group, and what they leave behind."""
