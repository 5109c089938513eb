"""Made input of all kinds of wrongness, thrown at every reader: it is read as it says, or refused in one line."""
