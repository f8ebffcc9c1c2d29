"""The subcommands of `tp-cnn`: one module each, its arguments and what it prints."""
