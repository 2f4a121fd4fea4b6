"""A production process does not start on demo accounts or with wrong keys (AU-06, DL-07)."""

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from accounts import checks
from accounts.models import User
from config import startup

pytestmark = pytest.mark.django_db


@pytest.fixture
def production(settings):
    settings.PRODUCTION = True
    return settings


def test_a_clean_installation_starts_and_keeps_a_word_to_know_its_keys_by(production):
    startup.refuse_bad_start()
    assert checks.key_problem() == ""


def test_au_06_demo_accounts_stop_the_start(production):
    User.objects.create_user("WL0217", "x", display_name="林若溪", is_demo=True)
    with pytest.raises(ImproperlyConfigured, match="Demo accounts"):
        startup.refuse_bad_start()


def test_dl_07_wrong_keys_stop_the_start(production):
    startup.refuse_bad_start()
    production.FIELD_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(ImproperlyConfigured, match="HUIYIN_FIELD_KEYS"):
        startup.refuse_bad_start()


def test_development_is_not_hindered(settings):
    User.objects.create_user("WL0217", "x", display_name="林若溪", is_demo=True)
    startup.refuse_bad_start()
