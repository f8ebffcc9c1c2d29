"""`tp-cnn data`: find, download, check and cache data sets."""

from tp_cnn.commands.arguments import folder


def add(commands) -> None:
    """Declare the command and its arguments."""
    data = commands.add_parser("data", help="find, download, check and cache data sets")
    actions = data.add_subparsers(title="actions", metavar="ACTION", required=True)
    for action, text, needs_name in (
        ("status", "what is on the disk", False),
        ("fetch", "download a data set", True),
        ("verify", "compare with the official checksums", True),
        ("cache", "decode images once, so that they load at once later", True),
    ):
        add = actions.add_parser(action, help=text)
        if needs_name:
            add.add_argument("name", help="mnist, fashion-mnist or cifar10")
        add.add_argument("--data", type=folder, metavar="DIR", help="where data sets are, or go")
        add.set_defaults(run=data_command, action=action)


def data_command(options) -> int:
    """Do the action asked; print a line a data set."""
    from tp_cnn.data import sources

    if options.action == "verify":
        verdicts = sources.verify(options.name, options.data)
        for verdict in verdicts:
            print(f"{verdict.state:<10} {verdict.path} {verdict.detail}".rstrip())
        return 1 if any(verdict.state == "altered" for verdict in verdicts) else 0
    actions = {
        "status": lambda: sources.status(options.data),
        "fetch": lambda: sources.fetch(options.name, options.data),
        "cache": lambda: sources.build_cache(options.name, options.data),
    }
    for row in actions[options.action]():
        place = f"{row.layout} in {row.where}"
        print(f"{row.name:<14}{row.split:<7}{row.images:>7,} images  {place}  {row.note}".rstrip())
    if options.action == "status":
        print("digits and shapes need no file")
    return 0
