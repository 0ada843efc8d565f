from torture.running import uncaused


def test_a_process_that_was_killed_did_not_end_by_itself():
    assert uncaused([("chat-1", -9)], {"chat-1": 1}) == []


def test_a_process_that_nobody_killed_ended_by_itself_whatever_its_exit_code_is():
    assert uncaused([("chat-1", -9)], {}) == [("chat-1", -9)]
    assert uncaused([("users-1", 1)], {"users-1": 1}) == [("users-1", 1)]
    assert uncaused([("users-1", 0)], {}) == [("users-1", 0)]


def test_each_kill_explains_one_death_of_that_process():
    deaths = [("chat-1", -9), ("chat-2", -9), ("chat-1", -9)]
    assert uncaused(deaths, {"chat-1": 1, "chat-2": 2}) == [("chat-1", -9)]
