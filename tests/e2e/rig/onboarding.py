"""What a new user clicks through: the first account, and the MQTT integration by its own form."""

from .process import HOST

CLIENT = "http://127.0.0.1/"
# Answers to fields that have no default.
ANSWERS = {"set_client_cert": False, "set_ca_cert": "off", "transport": "tcp"}


def create_user(api):
    """Makes the first account and a token that stays valid; leaves the token in the API's client."""
    person = {"client_id": CLIENT, "name": "E2E", "username": "e2e", "password": "e2e-password", "language": "en"}
    code = api.post("/api/onboarding/users", person)["auth_code"]
    grant = {"grant_type": "authorization_code", "code": code, "client_id": CLIENT}
    short = api.request("POST", "/auth/token", data=grant).json()["access_token"]
    (api.token,) = api.ws(("auth/long_lived_access_token", {"client_name": "e2e", "lifespan": 3650}), token=short)


def add_mqtt(api, port, username, password):
    """Adds the MQTT integration."""
    answers = {"broker": HOST, "port": port, "username": username, "password": password}
    step = api.post("/api/config/config_entries/flow", {"handler": "mqtt"})
    for _page in range(4):
        if step["type"] != "form":
            break
        assert not step.get("errors"), f"the form of MQTT says {step['errors']}"
        step = api.post(f"/api/config/config_entries/flow/{step['flow_id']}", _filled(step["data_schema"], answers))
    assert step["type"] == "create_entry", f"MQTT was not set up: {step}"


def _filled(schema, answers):
    filled = {}
    for field in schema:
        name = field["name"]
        if "schema" in field:  # a folded section
            filled[name] = _filled(field["schema"], answers)
        elif name in answers:
            filled[name] = answers[name]
        elif "default" in field:
            filled[name] = field["default"]
        elif field.get("required"):
            filled[name] = ANSWERS[name]
    return filled
