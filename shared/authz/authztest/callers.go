package authztest

import (
	"math/big"
	"net"
	"slices"
	"strings"
)

// comesFrom reports whether a call is from one of the networks and one of the apps of a key. The lists are taken as canonical.
func comesFrom(call Call, networks, apps []string) bool {
	inNetworks := len(networks) == 0 || slices.ContainsFunc(networks, func(block string) bool { return within(call.Address, block) })
	return inNetworks && (len(apps) == 0 || slices.Contains(apps, appOf(call)))
}

// within compares numbers: the address less the first one is less than the size of the block.
func within(address, block string) bool {
	ip, network, err := net.ParseCIDR(block)
	caller := net.ParseIP(address)
	if err != nil || caller == nil || (ip.To4() == nil) != (caller.To4() == nil) {
		return false
	}
	ones, bits := network.Mask.Size()
	size := new(big.Int).Lsh(big.NewInt(1), uint(bits-ones)) //nolint:gosec // at least 0
	behind := new(big.Int).Sub(new(big.Int).SetBytes(caller.To16()), new(big.Int).SetBytes(ip.To16()))
	return behind.Sign() >= 0 && behind.Cmp(size) < 0
}

// appOf writes the app that a call names as keys store it; "" for none.
func appOf(call Call) string {
	hex := strings.ReplaceAll(strings.ToUpper(call.Cert), ":", "")
	switch {
	case call.Bundle != "" && call.Package == "" && call.Cert == "":
		return "ios " + strings.ToLower(call.Bundle)
	case call.Bundle == "" && call.Package != "" && len(hex) == 40:
		pairs := make([]string, 20)
		for i := range pairs {
			pairs[i] = hex[2*i : 2*i+2]
		}
		return "android " + call.Package + " " + strings.Join(pairs, ":")
	default:
		return ""
	}
}
