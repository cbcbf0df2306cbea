"""A page that tells its own visits, and a mail that tells when it is opened."""

# Django comes without types.
# mypy: disallow-untyped-decorators=False

from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST


def home(request: HttpRequest) -> HttpResponse:
    """The page. Its pixel says who the visitor is, as far as the session knows."""
    if request.session.session_key is None:
        request.session.create()
    return render(request, "newsletter/home.html")


@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """Send the newsletter to every user who has an address."""
    users = User.objects.exclude(email="")
    for user in users:
        html = render_to_string("newsletter/mail.html", {"user": user, "campaign": {"campaign": "spring"}})
        send_mail("News", "There are news.", None, [user.email], html_message=html)
    return HttpResponse(f"sent {len(users)}")
