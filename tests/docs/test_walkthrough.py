"""Pages are followed to the letter, and differences are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.tools.markdown import Block
from docs.tools.walkthrough import Printed, change, follow, rewritten

PAGE = """Write `a/b.txt`:

```none
one
two
```

In `a/b.txt`:

```diff
 one
-two
+three
```

```sh
cat a/b.txt
```

```text
one
three
```

```python
print(6 * 7)
```

```text
41
```
"""


def page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_files_are_written_changed_and_read_and_wrong_output_is_found(tmp_path: Path) -> None:
    first, second = follow(page(tmp_path, PAGE), tmp_path)
    assert first.agrees
    assert first.found == "one\nthree\n"
    assert not second.agrees
    assert second.page == "page.md, line 29"


def test_what_was_printed_takes_its_place(tmp_path: Path) -> None:
    new = rewritten(PAGE, follow(page(tmp_path, PAGE), tmp_path))
    assert new == PAGE.replace("```text\n41", "```text\n42")


def test_the_program_on_the_path_is_that_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "holter2sleep").mkdir()
    (tmp_path / "holter2sleep" / "__init__.py").touch()
    (tmp_path / "holter2sleep" / "__main__.py").write_text("print('the copy')\n", encoding="utf-8")
    text = "```sh\nholter2sleep\n```\n\n```text\nthe copy\n```\n"
    (only,) = follow(page(tmp_path, text), tmp_path, tmp_path)
    assert only.agrees


@pytest.mark.parametrize("code", ["false", "cat nothing.txt", "true\nfalse\ntrue"])
def test_a_command_that_fails_ends_it(tmp_path: Path, code: str) -> None:
    with pytest.raises(ValueError, match=r"page\.md, line 1: ended with [1-9]"):
        follow(page(tmp_path, f"```sh\n{code}\n```\n"), tmp_path)


@pytest.mark.parametrize(("text", "times"), [("", 0), ("other\n", 0), ("old\nold\n", 2)])
def test_a_change_must_fit_once(tmp_path: Path, text: str, times: int) -> None:
    path = tmp_path / "file.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"stand {times} times"):
        change(path, "-old\n+new\n", "page.md, line 1")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("told", "found", "agrees"),
    [
        ("SDNN 41.2 ms\n", "SDNN 41.3 ms\n", True),
        ("SDNN 41.2 ms\n", "SDNN 43.2 ms\n", False),
        ("│ R   ┆ 65  │\n└───┘\n", "│ R  ┆ 65 │\n└──┘\n", True),
        ("14 passed\n", "13 passed\n", False),
        ("14 passed\n", "1 failed 14 passed\n", False),
        ("0.0\n", "-0.01\n", True),
        ("ok\n", "", False),
    ],
)
def test_numbers_may_differ_by_a_hair_and_words_not_at_all(told: str, found: str, agrees: bool) -> None:
    assert Printed("page", Block("text", told, "", 1), found).agrees == agrees
