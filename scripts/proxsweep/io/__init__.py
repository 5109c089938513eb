"""Files in and out: messages to the user, names, atomic writes, reading, downloads."""
