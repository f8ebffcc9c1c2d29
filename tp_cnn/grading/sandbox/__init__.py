"""Where submissions are executed: one kernel each, inside bubblewrap."""
