"""What goes wrong, said in one line."""

from __future__ import annotations

import click


def complain(who: str, message: object) -> None:
    """Print a message on the standard error in one line, whatever the library underneath wrote."""
    click.echo(f"{who}: {' '.join(str(message).split())}", err=True)
