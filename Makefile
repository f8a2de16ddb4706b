# make demo: set-up, then one network, one phone, one download. make test: set-up, then all tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check bench fuzz mutants dossier smoke reference format clean set-up

demo: $(VENV)/.installed
	@sh tools/sctp-library.sh $(VENV)
	@$(BIN)/cinq demo $(ARGS)

# Two processes: one for all that asks the kernel, where the other would be in its way (tests/conftest.py).
WORKERS ?= -n 2 --dist loadscope
test: $(VENV)/.installed-dev
	@sh tools/sctp-library.sh $(VENV)
	$(BIN)/python -m pytest $(WORKERS) $(ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/shape.py

bench: $(VENV)/.installed
	@sh tools/sctp-library.sh $(VENV)
	@$(BIN)/cinq bench control-plane --output bench-control-plane.json
	@$(BIN)/cinq bench user-plane --output bench-user-plane.json
	@$(BIN)/cinq bench sbi --output bench-sbi.json

# Each decoder, and the core under valid security, for TIME seconds each; TARGET="..." for some. Findings go to findings/.
TIME ?= 60
FUZZ := nas-message nas-envelope ngap-pdu ngap-transfer xnap-pdu pfcp-message gtpu-message eap-packet rrc-container identities \
	settings-file policy-file bill-of-materials capture-file core-n1-n2
fuzz: $(VENV)/.installed-fuzz
	@for target in $(or $(TARGET),$(FUZZ)); do \
		echo "== $$target, $(TIME) s"; \
		$(BIN)/python -m tests.fuzz.run $$target $(TIME) > fuzz-$$target.log 2>&1 || { tail -25 fuzz-$$target.log; exit 1; }; \
		grep -E "number_of_executed_units|new_units_added" fuzz-$$target.log; \
	done

# Our own core, its functions apart, asked by the assurance bench, with its failures: dossier/cinq.zip and
# dossier/report.html. Needs root.
dossier: $(VENV)/.installed
	@sh tools/sctp-library.sh $(VENV)
	@sh tools/own-dossier.sh $(VENV) dossier --apart

# A minute's worth of those cases; fails where one does. Needs root.
SMOKE := TC_RES_STAR_VERIFICATION_FAILURE TC_NAS_REPLAY_AMF TC_NAS_NULL_INT_AMF TC_NAS_INT_SELECTION_USE_AMF \
	TC_UE_SEC_CAP_HANDLING_AMF TC_UE_SEC_CAPS_AS_CONTEXT_SETUP TC_TEID_ID_UNIQUENESS_UPF TC_IPUPS_MALFORMED_MESSAGES
smoke: $(VENV)/.installed
	@sh tools/sctp-library.sh $(VENV)
	@sh tools/own-dossier.sh $(VENV) dossier/smoke $(SMOKE:%=--case %)

# Every case of the assurance bench against every weakened network: what each can tell apart.
mutants: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.assurance.matrix

# The generated pages of docs/reference, and the call flows that tests draw.
reference: $(VENV)/.installed-dev
	@CINQ_UPDATE_GOLDENS=1 $(BIN)/python -m pytest tests/network/test_call_flows.py
	@CINQ_EVIDENCE=docs/reference/evidence.json $(BIN)/python -m pytest tests/network tests/nf tests/ran tests/sbi
	@$(BIN)/python tools/reference.py

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

set-up: $(VENV)/.installed-dev

$(VENV)/.made:
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"cinq needs Python 3.11 or later, found {v[0]}.{v[1]}: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The generators' sources count: a change of a generator or of what it compiles installs anew.
SOURCES := pyproject.toml build_hook.py $(wildcard src/cinq/wire/per/*.py) $(wildcard src/cinq/userplane/ebpf/*.[ch]) $(wildcard src/cinq/userplane/ebpf/build.py) $(wildcard src/cinq/crypto/native/*.[ch]) $(wildcard src/cinq/crypto/native/build.py)

$(VENV)/.installed: $(VENV)/.made $(SOURCES)
	$(BIN)/pip install --quiet --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.made $(SOURCES)
	$(BIN)/pip install --quiet --editable '.[dev]'
	@$(BIN)/python -m compileall -q src
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-fuzz: $(VENV)/.installed-dev
	$(BIN)/pip install --quiet --editable '.[dev,fuzz]'
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis src/cinq/wire/*/generated src/cinq/userplane/ebpf/*.o src/cinq/crypto/native/*.so.1
