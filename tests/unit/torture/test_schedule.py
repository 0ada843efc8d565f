from torture.links import LINK_FAULTS, LINKED
from torture.schedule import HONEST, REPLICATED, Mix, only, plan


def test_the_same_seed_plans_the_same_faults():
    assert plan(1, HONEST, 60) == plan(1, HONEST, 60)
    assert plan(1, HONEST, 60) != plan(2, HONEST, 60)


def test_all_faults_fall_into_the_time_of_the_run():
    planned = plan(3, HONEST, 60)
    assert all(0 <= fault.at_s < 60 for fault in planned)
    assert [fault.at_s for fault in planned] == sorted(fault.at_s for fault in planned)


def test_every_kind_of_fault_comes_before_the_deck_is_shuffled_anew():
    cards = sum(weight for _, _, weight in HONEST.faults)
    drawn = [(fault.kind, fault.target) for fault in plan(4, HONEST, 600)[:cards]]
    assert len(drawn) == cards
    for kind, target, weight in HONEST.faults:
        assert drawn.count((kind, target)) == weight


def test_every_link_gets_every_fault_and_the_whole_is_unplugged():
    kinds = {(kind, target) for kind, target, _ in HONEST.faults}
    links = {(fault, f"{end}-link") for fault in LINK_FAULTS for end in LINKED}
    assert links < kinds
    assert ("unplug", "everything") in kinds


def test_faults_of_links_last_as_long_as_stops():
    mix = only(HONEST, ["mute redis-link", "kill redis"])
    for fault in plan(7, mix, 60):
        assert (mix.stop_s[0] <= fault.length_s <= mix.stop_s[1]) == (fault.kind == "mute")


def test_faults_come_together_at_times():
    times = [fault.at_s for fault in plan(5, HONEST, 600)]
    assert len(set(times)) < len(times)


def test_only_stopped_processes_are_stopped_for_a_while():
    mix = Mix(faults=(("kill", "chat", 1), ("stop", "chat", 1)), pause_s=(1, 2), stop_s=(2, 3))
    for fault in plan(6, mix, 60):
        assert (2 <= fault.length_s <= 3) == (fault.kind == "stop")


def test_members_of_a_replica_set_take_the_place_of_the_one_mongod():
    kinds = {(kind, target) for kind, target, _ in REPLICATED.faults}
    assert not {target for _, target in kinds} & {"mongod"}
    assert kinds >= {
        ("kill", "primary"),
        ("kill", "secondary"),
        ("stop", "primary"),
        ("stop", "secondary"),
        ("step-down", "primary"),
        ("lose", "majority"),
        ("roll", "mongods"),
    }
    others = {(kind, target) for kind, target, _ in HONEST.faults if target != "mongod"}
    assert others < kinds


def test_killed_members_stay_away_for_a_while_and_a_majority_for_ten_seconds():
    mix = only(REPLICATED, ["kill primary", "lose majority", "step-down primary", "kill chat"])
    lengths = {"kill primary": mix.stop_s, "lose majority": (10, 10)}
    for fault in plan(7, mix, 60):
        low, high = lengths.get(f"{fault.kind} {fault.target}", (0, 0))
        assert low <= fault.length_s <= high
