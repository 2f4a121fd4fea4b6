import pytest
from complaints.tests.factories import *
from complaints import case_records, transitions
from django.db import connection
from django.test.utils import CaptureQueriesContext
def test_probe(cast):
    s=Story(cast).to_reply().call_back().close(late_reason="coordination")
    transitions.add_note(s.pk,by=cast.intake,text="x")
    c=Complaint.objects.select_related("complainant","policy").get(pk=s.pk)
    import time
    with CaptureQueriesContext(connection) as q:
        case_records.load(c)
    t=time.perf_counter()
    case_records.load(c)
    print(len(q), time.perf_counter()-t)
    with CaptureQueriesContext(connection) as q:
        for r in ("events","notes","communications","deadlines","assignments","replies","callbacks","notices","classifications"):
            print(r,[ (x, getattr(x,"at",None), getattr(getattr(x,"by",None),"display_name",None)) for x in getattr(c,r).all()])
        print(c.complainant.contact("phone"), [x.checks.all() for x in c.replies.all()], [x.department.name for x in c.assignments.all()])
        print(c.events.all()[1].fields)
    print(len(q))
    for rel in ("events","notes","communications","deadlines","assignments","replies","callbacks","notices"):
        mine=[r for r in getattr(c,rel).all()]
        c2=Complaint.objects.get(pk=s.pk)
        theirs=list(getattr(c2,rel).all())
        assert mine==theirs
        for a,b in zip(mine,theirs):
            for f in a._meta.concrete_fields:
                if f.attname in a.__dict__: assert getattr(a,f.attname)==getattr(b,f.attname),(rel,f.attname)
