# What `sam build` runs for each function of the template, in the repository's root: `make build-LOGICALID`. Flags stand in
# infra/local/build alone. What the surroundings set for a build of the function would also be set for the command that makes it.
build-%:
	@env -u GOOS -u GOARCH -u GOFLAGS go run ./infra/build -arch $(ARCHITECTURE) -o "$(ARTIFACTS_DIR)/bootstrap" $*
