"""`tp-cnn start`: the students' notebooks in a folder of one's own, and their corrections."""

from tp_cnn.commands.arguments import folder


def add(commands) -> None:
    """Declare the command and its arguments."""
    command = commands.add_parser(
        "start",
        help="lay the notebooks out in a folder",
        description="Lay the notebooks of the course out in a folder; those that are there already "
        "stay as they are. With --update, corrections come in around the answers.",
    )
    command.set_defaults(run=start_command)
    command.add_argument("folder", nargs="?", type=folder, default="tp_cnn", metavar="FOLDER")
    command.add_argument("--update", action="store_true", help="bring corrected notebooks in")


def start_command(options) -> None:
    """Say what was done for each notebook, and how to open them."""
    from tp_cnn.authoring import start

    for name, done in start.start(options.folder, options.update):
        print(f"{name} : {done}")
    print(f'Pour commencer : jupyter lab "{options.folder}"')
