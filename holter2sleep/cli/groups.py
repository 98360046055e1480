"""A group of commands one of which may be left out."""

from __future__ import annotations

import rich_click as click


class Runs(click.RichGroup):
    """A group whose command `run` may be left out: `batch nights.csv` is `batch run nights.csv`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Words after the group's name."""
        known = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if not args or args[0] in known else ["run", *args])
