import socket
import pytest
from django.urls import reverse
@pytest.mark.django_db
def test_db(): 
    from complaints.models import Category
    assert Category.objects.count()
@pytest.mark.django_db(transaction=True)
def test_tdb(): 
    from complaints.models import Category
    assert Category.objects.count()
@pytest.mark.django_db(transaction=True)
def test_tdb2(): 
    from complaints.models import Category
    assert Category.objects.count()
def test_page(live_server, page):
    page.goto(live_server.url + "/healthz"); assert page.content()
def test_net():
    with pytest.raises(RuntimeError): socket.create_connection(("1.2.3.4",80),timeout=1)
