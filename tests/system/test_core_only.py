"""The core, without the modules of any extra, makes the reports of one machine."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from assets.runtime.extras import EXTRAS

ROOT = Path(__file__).parents[2]


def test_one_machine_imports_nothing_of_an_extra(tmp_path: Path) -> None:
    program = dedent(f"""
        import sys
        hidden = {sorted({module for modules in EXTRAS.values() for module in modules} - {"starlette", "uvicorn"})}
        sys.modules.update(dict.fromkeys(hidden))
        from orchestration.cli.app import main
        for words in sys.argv[1:]:
            sys.argv[1:] = words.split()
            try:
                main()
            except SystemExit as ended:
                assert not ended.code, (words, ended.code)
        import orchestration.definitions
    """)
    (tmp_path / "reports.yaml").write_text((ROOT / "reports.yaml").read_text(encoding="utf-8"))
    commands = (
        "demo-data demo/events.csv --events 2000",
        "check-config reports.yaml",
        "run --report-date 2026-11-18 --preset yesterday",
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *commands],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "ASSIGNMENT_REPORTS_CONFIG": str(tmp_path / "reports.yaml")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [*tmp_path.glob("reports_out/acme/yesterday/2026-11-18/v1/report.pdf")]
