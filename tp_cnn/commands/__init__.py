"""The subcommands of `tp-cnn`: each module declares its arguments (`add`) and runs (`run`).

Heavy imports wait inside `run`: `tp-cnn --version` answers at once.
"""
