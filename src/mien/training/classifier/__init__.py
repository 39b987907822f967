"""The in-house expression classifier: trained on the real photographs of a database's training people alone."""
