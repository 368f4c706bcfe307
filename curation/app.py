"""The review page as an application: its routes and pages, behind the guard that lets only curators in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from curation.accounts import Accounts
from curation.files import files
from curation.guarding import csrf_of, curator_of, guard
from curation.looking import looking
from curation.pictures import pictures
from curation.review import Review
from curation.saying import saying
from curation.telling import telling

HERE = Path(__file__).parent
PAGES = {"/": "page.html", "/ledger": "ledger.html", "/agreement": "agreement.html"}


def make_app(review: Review, accounts: Accounts, *, curator: str, hosts: Sequence[str], https: bool = False) -> FastAPI:
    """The application. `accounts`, `curator`, `hosts`, `https`, and what is raised: see `curation.guarding.guard`."""
    app = FastAPI(title="Toadworks review", openapi_url=None)
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    templates.globals["static"] = _static_address

    def render(template: str, values: Mapping[str, Any]) -> str:
        return templates.get_template(template).render({**values, "collection": review.collection})

    for part in (looking(review), saying(review), telling(review), pictures(review.assets), files(review)):
        app.include_router(part)
    for path, template in PAGES.items():
        _add_page(app, path, template, render)
    app.mount("/static", _Static(directory=HERE / "static"), name="static")
    app.add_exception_handler(404, _nowhere(render))
    guard(app, accounts, curator=curator, hosts=hosts, https=https, title=review.collection, render=render)
    return app


def _add_page(app: FastAPI, path: str, template: str, render: Any) -> None:
    @app.get(path, response_class=HTMLResponse)
    def page(request: Request) -> HTMLResponse:
        values = {"csrf": csrf_of(request), "curator": curator_of(request)}
        return HTMLResponse(render(template, values), headers={"Cache-Control": "no-store"})


def _nowhere(render: Any) -> Any:
    """What an address that is none answers: a page to who typed it, data to who asked for data."""

    async def nowhere(request: Request, error: Exception) -> Response:
        data = request.url.path.startswith(("/api/", "/image/", "/thumb/", "/static/"))
        if data or "text/html" not in request.headers.get("accept", ""):
            assert isinstance(error, HTTPException)
            return JSONResponse({"error": str(error.detail)}, 404)
        return HTMLResponse(render("nowhere.html", {"csrf": ""}), 404)

    return nowhere


class _Static(StaticFiles):
    """Modules import each other by plain names, so browsers have to ask whether one has changed."""

    async def get_response(self, path: str, scope: Scope) -> Any:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _static_address(name: str) -> str:
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"
