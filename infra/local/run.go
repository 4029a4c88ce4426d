package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"latchkey/infra/local/build"
	"latchkey/infra/local/engine"
	"latchkey/infra/local/environments"
	"latchkey/infra/local/iam"
	"latchkey/infra/local/issuer"
	"latchkey/infra/local/restapi"
	"latchkey/infra/local/runfile"
	"latchkey/infra/local/seed"
	"latchkey/infra/local/template"
	"latchkey/infra/local/wire"
)

const (
	clientID  = "latchkey-local"
	tokenLife = 12 * time.Hour
)

// stack has everything that runs. It is put together by run and taken apart by stop, in the opposite order.
type stack struct {
	config
	log       *logger
	template  *template.Template
	functions []function
	listeners map[string]net.Listener // by the API's logical ID, and "control"
	urls      map[string]string
	issuer    *issuer.Issuer
	issuerURL string
	trigger   *trigger // nil: there is none, or it wasn't built
	guard     *iam.Guard
	engine    *engine.Engine
	pool      *environments.Pool
	servers   []*wire.Server
	services  services
	closers   []func()
	failed    chan error // something that must run has ended
}

// run brings the stack up, prints the ready lines and takes the stack down when ctx ends.
func run(ctx context.Context, c config, out io.Writer) error {
	s := &stack{config: c, log: &logger{out: out, color: c.color, plain: c.noRedaction, level: c.logLevel}, urls: map[string]string{}, listeners: map[string]net.Listener{}, failed: make(chan error, 8)}
	unlock, err := lockDir(ctx, c.dataDir, s.log)
	if err != nil {
		return err
	}
	defer unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go watchParent(cancel)
	defer s.stop()
	if err := s.start(ctx); err != nil {
		return err
	}
	if c.job != "" {
		return rotate(ctx, s.urls["control"], c, out)
	}
	select {
	case <-ctx.Done():
		s.log.say("stopping: finishing calls, then shutting environments down")
		return nil
	case err := <-s.failed:
		return err
	}
}

func (s *stack) start(ctx context.Context) error {
	begin := time.Now()
	_ = os.Remove(s.file(runfile.Name)) // stale URLs of the previous run
	if err := s.readFunctions(); err != nil {
		return err
	}
	if err := s.readRoles(); err != nil {
		return err
	}
	// Builds take long on a first run; the store comes up beside them.
	var wg sync.WaitGroup
	var engineErr error
	wg.Go(func() { engineErr = s.startEngine(ctx) })
	buildErr := s.build(ctx)
	wg.Wait()
	if err := errors.Join(buildErr, engineErr); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.startIssuer, s.listen, s.startEndpoints, s.openDoors, s.load, s.startAPIs, s.startServices, s.makeKeyring} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	state, err := s.seedAll(ctx)
	if err != nil {
		return err
	}
	if err := s.writeRun(state); err != nil {
		return err
	}
	s.announce(state, time.Since(begin))
	return nil
}

func (s *stack) file(name string) string { return filepath.Join(s.dataDir, name) }

func (s *stack) startEngine(ctx context.Context) error {
	if s.dynamoEndpoint != "" {
		s.engine = &engine.Engine{Endpoint: s.dynamoEndpoint}
		return nil
	}
	binary, err := engine.Binary(filepath.Join(s.root, "infra", "local"), s.trustedEngine)
	if err != nil {
		return err
	}
	output, err := os.OpenFile(s.file("dynamodb.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }()
	if s.engine, err = engine.Start(ctx, binary, s.dataDir, output, s.guard); err != nil {
		return err
	}
	go func() {
		<-s.engine.Gone()
		s.fail(errors.New("the DynamoDB server has ended; see dynamodb.log in the data directory"))
	}()
	return nil
}

func (s *stack) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// build compiles what the template names, or takes what was compiled before.
func (s *stack) build(ctx context.Context) error {
	if s.noBuild {
		for i, f := range s.functions {
			bootstrap := filepath.Join(s.root, ".build", f.id, "bootstrap")
			if _, err := os.Stat(bootstrap); err == nil {
				s.functions[i].bootstrap = bootstrap
			}
		}
		return nil
	}
	targets := make([]build.Target, len(s.functions))
	for i, f := range s.functions {
		targets[i] = build.Target{Name: f.id, Dir: f.codeURI, Bootstrap: filepath.Join(s.root, ".build", f.id, "bootstrap")}
	}
	done := 0
	results := build.All(ctx, s.root, targets, func(r build.Result) {
		done++
		switch {
		case r.Skipped:
			s.log.warn("build %d/%d  %s: no code in %s, skipped", done, len(targets), r.Name, r.Dir)
		case r.Err == nil:
			s.log.say("build %d/%d  %s  %.1fs", done, len(targets), r.Name, r.Took.Seconds())
		}
	})
	var err error
	for i, r := range results {
		err = errors.Join(err, r.Err)
		if !r.Skipped {
			s.functions[i].bootstrap = r.Bootstrap
		}
	}
	return err
}

// startIssuer serves the sign-in. Its port is kept with the data: tokens carry the issuer's URL.
func (s *stack) startIssuer(ctx context.Context) error {
	listen := func() (net.Listener, error) { return s.listenDoor("OidcIssuer") }
	if s.doors["OidcIssuer"] == 0 {
		if err := s.takeEarlierPort(ctx); err != nil {
			return fmt.Errorf("looking for an earlier run's operators: %w", err)
		}
		listen = func() (net.Listener, error) { return keptPort(s.file("issuer.port")) }
	}
	lis, err := listen()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(lis.Addr().String())
	s.issuerURL = "http://" + net.JoinHostPort(s.issuerName, port)
	s.issuer, err = issuer.New(issuer.Config{
		Issuer: s.issuerURL, ClientID: clientID, KeyFile: s.file("issuer.pem"), RefreshOnce: s.refreshOnce, AccessTTL: s.accessLife,
		AccessClaims: s.accessClaims,
	})
	if err != nil {
		return errors.Join(err, lis.Close())
	}
	s.serveHTTP(lis, s.issuer)
	return nil
}

// serveHTTP serves one of the endpoints that AWS has beside API Gateway.
func (s *stack) serveHTTP(lis net.Listener, h http.Handler) {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(lis) }()
	s.closers = append(s.closers, func() { _ = srv.Close() })
}

// listen takes the ports of the APIs, so that their URLs are known before anything is evaluated.
func (s *stack) listen(context.Context) error {
	for _, id := range append(s.apiIDs(), "control") {
		lis, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", s.ports[id]))
		if err != nil {
			return fmt.Errorf("%s: %w (LATCHKEY_PRODUCTS_PORT, LATCHKEY_MANAGEMENT_PORT and LATCHKEY_CONSOLE_PORT choose ports, 0 a free one)", id, err)
		}
		s.listeners[id] = lis
		s.urls[id] = "http://" + lis.Addr().String()
	}
	return nil
}

// load evaluates the template with this run's parameters, makes the tables and the pool.
func (s *stack) load(ctx context.Context) error {
	var err error
	if s.template, err = s.evaluate(s.overrides()); err != nil {
		return err
	}
	c := engine.NewClient(s.engine.Endpoint, s.region, s.awsCredentials())
	tables, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := engine.CreateTables(tables, c, s.template); err != nil {
		return err
	}
	if err := s.createSecrets(ctx); err != nil {
		return err
	}
	list, err := s.poolFunctions()
	if err != nil {
		return err
	}
	built := map[string]string{}
	for _, f := range s.functions {
		built[f.id] = f.bootstrap
	}
	if s.trigger, err = s.readTrigger(built); err != nil {
		return err
	}
	if s.trigger != nil {
		list = append(list, s.trigger.function)
	}
	s.nameCallers(list)
	base := map[string]string{
		"AWS_ACCESS_KEY_ID": s.credentials[0], "AWS_SECRET_ACCESS_KEY": s.credentials[1], "AWS_SESSION_TOKEN": s.credentials[2],
	}
	proxy, err := s.openWay()
	if err != nil {
		return err
	}
	maps.Copy(base, proxy)
	s.pool = environments.New(list, environments.Options{
		Region: s.region, Idle: s.idle, Grace: s.grace, Max: s.maxEnvironments, Output: s.log.output, BaseEnv: base,
	})
	return nil
}

func (s *stack) awsCredentials() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: s.credentials[0], SecretAccessKey: s.credentials[1], SessionToken: s.credentials[2]}, nil
	})
}

func (s *stack) startAPIs(context.Context) error {
	list, err := s.template.Of("AWS::Serverless::Api")
	if err != nil {
		return err
	}
	for _, r := range list {
		lis := s.listeners[r.ID]
		if lis == nil {
			continue
		}
		api, err := restapi.New(s.template, r, restapi.Options{Invoker: s.pool, Log: s.log.call, Secret: s.gatewaySecret, Unthrottled: s.noThrottle})
		if err != nil {
			return err
		}
		s.serve(lis, api.Server())
	}
	s.serve(s.listeners["control"], &wire.Server{Handler: s.control})
	return nil
}

func (s *stack) serve(lis net.Listener, srv *wire.Server) {
	s.servers = append(s.servers, srv)
	go func() {
		if err := srv.Serve(lis); !errors.Is(err, wire.ErrClosed) {
			s.fail(err)
		}
	}()
}

// stop takes down what start has put up: no new calls, calls finish, environments flush, streams end, then the store.
func (s *stack) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for _, srv := range s.servers {
		wg.Go(func() { srv.Shutdown(ctx) })
	}
	wg.Wait()
	s.stopServices(ctx)
	for _, c := range s.closers {
		c()
	}
	if s.engine != nil {
		s.engine.Stop()
	}
	for _, lis := range s.listeners {
		_ = lis.Close()
	}
	_ = os.Remove(s.file(runfile.Name))
}

// seedAll makes the ready-made accounts, unless functions it needs are not there yet.
func (s *stack) seedAll(ctx context.Context) (seed.State, error) {
	if !s.seed {
		return seed.State{}, nil
	}
	for _, id := range []string{"AccountsFunction", "KeysFunction", "Authorizer"} {
		if !s.built(id) {
			s.log.warn("nothing is seeded: %s is not built", id)
			return seed.State{}, nil
		}
	}
	tokens, err := s.tokens()
	if err != nil {
		return seed.State{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	state, err := seed.Run(ctx, seed.Config{
		ManagementURL: s.urls["ManagementApi"], ProductsURL: s.urls["ProductsApi"], Tokens: tokens, StateFile: s.file("seed.json"),
		Client: &http.Client{Timeout: 30 * time.Second},
	})
	if state.NoOperator {
		s.log.warn("the store has operators of another sign-in: nobody is an operator in this run, and its account Enterprise is an ordinary one")
	}
	return state, err
}
