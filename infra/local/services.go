package main

import "context"

// service is something that calls functions by itself: a stream's poller, a schedule.
type service interface {
	Run(ctx context.Context)
}

// startEndpoints serves the other AWS endpoints that functions call.
func (s *stack) startEndpoints(context.Context) error { return nil }

// endpoints are the template parameters that point functions at them.
func (s *stack) endpoints() map[string]string { return nil }

// startServices starts what calls functions by itself.
func (s *stack) startServices(context.Context) error { return nil }

// stopServices shuts the environments and the services down.
func (s *stack) stopServices(ctx context.Context) {
	if s.pool != nil {
		s.pool.Close(ctx)
	}
}

// gatewaySecret is the value of a secret that the gateway itself sends to an upstream.
func (s *stack) gatewaySecret(string) string { return "" }
