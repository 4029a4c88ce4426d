package control_test

import (
	"testing"

	"latchkey/shared/keytest"
)

func TestContractInMemory(t *testing.T) { keytest.RunControlContract(t, keytest.MemoryStores) }

func TestContractOnTheEngine(t *testing.T) { keytest.RunControlContract(t, keytest.EngineStores) }
