"""Invoice Cloud: profiles, requests, the CPV2 call, postbacks, errors."""
