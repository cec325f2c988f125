"""A real browser, for pages that people look at."""

import shutil
import subprocess
from pathlib import Path


def browse(path: Path, *flags: str) -> str:
    """The page after its scripts have run. Needs Chromium: `apt-get install --no-install-recommends chromium`."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert browser is not None, "no browser: apt-get install --no-install-recommends chromium"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1000,700", *flags, "--dump-dom"]
    profile = f"--user-data-dir={path.parent / 'profile'}"
    done = subprocess.run([*command, profile, path.as_uri()], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout
