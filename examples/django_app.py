"""A Django project in one file, with a tracking pixel.

Run it with ``python django_app.py``, open http://127.0.0.1:8000/ and look into
``events.jsonl``. In a project of yours, the last lines stand in ``wsgi.py``.
Django's own test client does not go through ``wsgi.py``: test pixels with
``werkzeug.test.Client(application)``.
"""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from pixelmw import PixelMiddleware
from pixelmw.sinks import JSONLines

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1", "localhost"], SECRET_KEY=os.urandom(32).hex())


def home(request: HttpRequest) -> HttpResponse:
    """A page that tells its own visits."""
    return HttpResponse('<h1>Hello</h1><img src="/pixel/v1/page?writeKey=web&anonymousId=somebody&name=Home" alt="">')


urlpatterns = [path("", home)]

application = PixelMiddleware(get_wsgi_application(), JSONLines(os.environ.get("EVENTS_FILE", "events.jsonl")))

if __name__ == "__main__":
    from wsgiref.simple_server import make_server

    with make_server("127.0.0.1", 8000, application) as server:
        server.serve_forever()
