//go:build !linux

package child

import "syscall"

// setDeathSignal does nothing: only Linux kills children with their parent. An orderly stop still ends them.
func setDeathSignal(*syscall.SysProcAttr) {}
