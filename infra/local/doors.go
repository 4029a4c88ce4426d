package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"latchkey/infra/local/way"
)

// door is a service of AWS that functions call, on a port that programs outside of the run can know.
type door struct {
	parameter, variable string // the template's parameter; the setting
}

// doors has all that a function calls but the APIs.
var doors = []door{
	{"DynamoDBEndpoint", "LATCHKEY_DYNAMODB_PORT"},
	{"OidcIssuer", "LATCHKEY_ISSUER_PORT"},
	{"EventsEndpoint", "LATCHKEY_EVENTS_PORT"},
	{"SecretsManagerEndpoint", "LATCHKEY_SECRETS_PORT"},
}

func (c *config) readDoors(env func(string) string) error {
	c.doors = map[string]int{}
	for _, d := range doors {
		port, err := number(env, d.variable, 0, 0, 65535)
		if err != nil {
			return err
		}
		c.doors[d.parameter] = port
	}
	switch c.issuerName = env("LATCHKEY_ISSUER_NAME"); {
	case c.issuerName == "":
		c.issuerName = "127.0.0.1"
	case c.issuerName != way.Host:
		return errors.New("LATCHKEY_ISSUER_NAME is " + way.Host + ", or not set")
	}
	text := env("LATCHKEY_BRIDGE_ADDRESS")
	if text == "" {
		return nil
	}
	// Not every address of the machine: everyone who reaches it reads and writes all that is there.
	ip, err := netip.ParseAddr(text)
	if err != nil || !ip.IsPrivate() {
		return errors.New("LATCHKEY_BRIDGE_ADDRESS must be a private address, as that of Docker's bridge is (172.17.0.1)")
	}
	for _, d := range doors {
		if c.doors[d.parameter] == 0 {
			return fmt.Errorf("LATCHKEY_BRIDGE_ADDRESS needs %s", d.variable)
		}
	}
	c.bridge = ip
	return nil
}

// listenDoor listens where a service is to be: on its own port, or a free one.
func (s *stack) listenDoor(parameter string) (net.Listener, error) {
	lis, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", s.doors[parameter]))
	if err != nil {
		i := slices.IndexFunc(doors, func(d door) bool { return d.parameter == parameter })
		return nil, fmt.Errorf("%s: %w (%s chooses the port)", parameter, err, doors[i].variable)
	}
	return lis, nil
}

// openDoors puts the store on its port, which has a free one of its own, and all services on Docker's bridge, if that is wanted.
func (s *stack) openDoors(context.Context) error {
	store, err := url.Parse(s.engine.Endpoint)
	if err != nil {
		return err
	}
	if s.doors["DynamoDBEndpoint"] != 0 {
		lis, err := s.listenDoor("DynamoDBEndpoint")
		if err != nil {
			return err
		}
		s.forward(lis, store.Host)
	}
	if !s.bridge.IsValid() {
		return nil
	}
	for _, d := range doors {
		port := fmt.Sprint(s.doors[d.parameter])
		lis, err := net.Listen("tcp", net.JoinHostPort(s.bridge.String(), port))
		if err != nil {
			return fmt.Errorf("%s on Docker's bridge: %w", d.parameter, err)
		}
		s.forward(lis, "127.0.0.1:"+port)
	}
	return nil
}

// forward leads all connections to another address.
func (s *stack) forward(lis net.Listener, to string) {
	s.closers = append(s.closers, func() { _ = lis.Close() })
	go func() {
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			go splice(c, to)
		}
	}()
}

func splice(c net.Conn, to string) {
	defer func() { _ = c.Close() }()
	upstream, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = upstream.Close() }()
	go func() {
		_, _ = io.Copy(upstream, c)
		if tcp, ok := upstream.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
	}()
	_, _ = io.Copy(c, upstream)
}

// openWay lets functions of this run find the issuer by its name, if that is one that only containers know.
func (s *stack) openWay() (map[string]string, error) {
	if s.issuerName != way.Host {
		return nil, nil
	}
	proxy, closer, err := (&way.Way{}).Open()
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, func() { _ = closer.Close() })
	return map[string]string{"HTTP_PROXY": proxy}, nil
}

// doorLines say where programs outside of the run find its services.
func (s *stack) doorLines() string {
	var b strings.Builder
	for _, d := range doors {
		if port := s.doors[d.parameter]; port != 0 {
			fmt.Fprintf(&b, "\n  %-22s  127.0.0.1:%d", d.parameter, port)
		}
	}
	if s.bridge.IsValid() {
		fmt.Fprintf(&b, "\n\nDocker's bridge %s has them too, on the same ports: containers, and others who reach that address, read and write this run's data without a password", s.bridge)
	}
	return b.String()
}
