from chatterroom.engines.ports import free_port


def test_a_port_that_another_was_promised_is_not_given():
    allowed = free_port()
    others = set(range(65_536)) - {allowed}
    assert free_port(besides=others) == allowed
