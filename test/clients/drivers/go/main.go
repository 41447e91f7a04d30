// The Go SDK's client. See plan.ts for what goes in and out.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type plan struct {
	URL  string `json:"url"`
	Call *struct {
		Tool string         `json:"tool"`
		Args map[string]any `json:"args"`
	} `json:"call"`
	TimeoutMs     *int `json:"timeoutMs"`
	Progress      bool `json:"progress"`
	CancelAfterMs *int `json:"cancelAfterMs"`
	Repeats       int  `json:"repeats"`
}

var printing sync.Mutex

func say(happening map[string]any) {
	printing.Lock()
	defer printing.Unlock()
	line, _ := json.Marshal(happening)
	fmt.Println(string(line))
}

func main() {
	var p plan
	if err := json.Unmarshal([]byte(os.Args[1]), &p); err != nil {
		panic(err)
	}
	ctx := context.Background()
	client := mcp.NewClient(&mcp.Implementation{Name: "go", Version: "1"}, &mcp.ClientOptions{
		ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			say(map[string]any{"event": "elicited"})
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"username": "ada", "email": "ada@example.org", "name": "ada"}}, nil
		},
		CreateMessageHandler: func(context.Context, *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
			say(map[string]any{"event": "sampled"})
			return &mcp.CreateMessageResult{Role: "assistant", Model: "test-model", Content: &mcp.TextContent{Text: "a completion"}}, nil
		},
		LoggingMessageHandler: func(context.Context, *mcp.LoggingMessageRequest) { say(map[string]any{"event": "log"}) },
		ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationClientRequest) {
			say(map[string]any{"event": "progress"})
		},
	})
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: p.URL}, nil)
	if err != nil {
		say(map[string]any{"event": "error", "message": err.Error()})
		return
	}
	defer session.Close()
	if p.Call == nil {
		tools, err := session.ListTools(ctx, nil)
		if err != nil {
			say(map[string]any{"event": "error", "message": err.Error()})
			return
		}
		say(map[string]any{"event": "tools", "count": len(tools.Tools)})
		return
	}
	for left := p.Repeats; ; left-- {
		text, isError, err := call(ctx, session, p)
		if err != nil {
			say(map[string]any{"event": "error", "message": err.Error()})
		} else {
			say(map[string]any{"event": "answer", "text": text, "isError": isError})
			if !strings.HasPrefix(text, "PENDING_APPROVAL") {
				return
			}
		}
		if left <= 0 {
			return
		}
		time.Sleep(time.Second)
	}
}

func call(ctx context.Context, session *mcp.ClientSession, p plan) (string, bool, error) {
	limit := p.CancelAfterMs
	if limit == nil {
		limit = p.TimeoutMs
	}
	if limit != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(*limit)*time.Millisecond)
		defer cancel()
	}
	params := &mcp.CallToolParams{Name: p.Call.Tool, Arguments: p.Call.Args}
	if p.Progress {
		params.SetProgressToken("p1")
	}
	result, err := session.CallTool(ctx, params)
	if err != nil {
		return "", false, err
	}
	var parts []string
	for _, part := range result.Content {
		if text, ok := part.(*mcp.TextContent); ok {
			parts = append(parts, text.Text)
		}
	}
	return strings.Join(parts, "\n"), result.IsError, nil
}
