"""nginx with deploy/nginx.conf on loopback."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import until

CONF = Path(__file__).parents[2] / "deploy" / "nginx.conf"
MAIN = """{user}daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
include {folder}/site.conf; }}"""


@contextmanager
def nginx(folder: Path, replaced: Mapping[str, str]) -> Iterator[None]:
    """Run it in *folder*, with each text of *replaced* in its configuration replaced."""
    site = CONF.read_text()
    for here, there in replaced.items():
        assert here in site
        site = site.replace(here, there)
    (folder / "site.conf").write_text(site)
    user = "user root; " if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))
    command = ["/usr/sbin/nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        until(lambda: (folder / "pid").exists() or process.poll() is not None, "nginx")
        yield
        process.terminate()
