-- Reads "model" and "stream" from the outermost object of a JSON body, into the metadata that routes are
-- chosen by. See docs/decisions/0006-lua-reads-the-body.md.
--
-- It walks the outermost object and skips over the values in it, strings and brackets minded; what is inside
-- them is for whoever reads the body next. Where a key stands twice, the last one counts, as for most parsers.

local byte, find, match, sub = string.byte, string.find, string.match, string.sub

local QUOTE, BACKSLASH, COLON = 34, 92, 58
local OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST = 123, 125, 91, 93
local APOSTROPHE, SLASH = 39, 47

local LONGEST_KEY = 36 -- bytes of "stream" with each letter escaped
local LONGEST_MODEL = 4096 -- bytes; far above any name

local ESCAPES = {b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/"}

-- The place of the next character that is not white space; one past the end where there is none.
local function skip(text, at)
  local c = byte(text, at)
  while c == 32 or c == 10 or c == 13 or c == 9 do
    at = at + 1
    c = byte(text, at)
  end
  return at
end

-- Where the string that begins with the quote at `at` ends: the place of its other quote, or nil.
local function string_end(text, at)
  local quote = find(text, '"', at + 1, true)
  while quote do
    local before = quote - 1
    while byte(text, before) == BACKSLASH do
      before = before - 1
    end
    if (quote - before) % 2 == 1 then
      return quote
    end
    quote = find(text, '"', quote + 1, true)
  end
end

-- The last place of the object or list that begins at `at`, or nil. Comments and quotes of another kind are
-- refused: whoever reads them would see other strings than this.
local function nested_end(text, at)
  local depth = 0
  local c = byte(text, at)
  while c do
    if c == QUOTE then
      at = string_end(text, at)
      if not at then
        return nil
      end
    elseif c == OPEN_OBJECT or c == OPEN_LIST then
      depth = depth + 1
    elseif c == CLOSE_OBJECT or c == CLOSE_LIST then
      depth = depth - 1
      if depth == 0 then
        return at
      end
    elseif c == APOSTROPHE or c == SLASH then
      return nil
    end
    at = at + 1
    c = byte(text, at)
  end
end

local function is_scalar(word)
  return word == "true" or word == "false" or word == "null" or find(word, "^%-?%d+%.?%d*[eE]?[+-]?%d*$") ~= nil
end

-- The last place of the value that begins at `at`, or nil where there is none.
local function value_end(text, at)
  local c = byte(text, at)
  if c == QUOTE then
    return string_end(text, at)
  elseif c == OPEN_OBJECT or c == OPEN_LIST then
    return nested_end(text, at)
  end
  local word = match(text, "^[%w+.-]+", at)
  if word and is_scalar(word) then
    return at + #word - 1
  end
end

local function utf8_of(code)
  if code < 0x80 then
    return string.char(code)
  elseif code < 0x800 then
    return string.char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40)
  elseif code < 0x10000 then
    return string.char(0xE0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  end
  return string.char(
    0xF0 + math.floor(code / 0x40000),
    0x80 + math.floor(code / 0x1000) % 0x40,
    0x80 + math.floor(code / 0x40) % 0x40,
    0x80 + code % 0x40
  )
end

-- What the inside of a JSON string says, or nil where an escape is none.
local function unescaped(inside)
  if not find(inside, "\\", 1, true) then
    return inside
  end
  local parts, at = {}, 1
  while true do
    local escape = find(inside, "\\", at, true)
    if not escape then
      parts[#parts + 1] = sub(inside, at)
      return table.concat(parts)
    end
    parts[#parts + 1] = sub(inside, at, escape - 1)
    local kind = sub(inside, escape + 1, escape + 1)
    if kind == "u" then
      local code = tonumber(match(inside, "^%x%x%x%x", escape + 2) or "", 16)
      at = escape + 6
      if code and code >= 0xD800 and code < 0xDC00 then
        local low = tonumber(match(inside, "^\\u([dD][c-fC-F]%x%x)", at) or "", 16)
        code = low and 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00)
        at = at + 6
      elseif code and code >= 0xDC00 and code < 0xE000 then
        code = nil
      end
      if not code then
        return nil
      end
      parts[#parts + 1] = utf8_of(code)
    else
      if not ESCAPES[kind] then
        return nil
      end
      parts[#parts + 1] = ESCAPES[kind]
      at = escape + 2
    end
  end
end

-- Whether `said` is UTF-8, and without the NUL that would end it early in Envoy.
local function is_text(said)
  local at = 1
  while at <= #said do
    local c = byte(said, at)
    local more = c < 0x80 and 0 or c >= 0xF0 and 3 or c >= 0xE0 and 2 or 1
    if c == 0 or (c >= 0x80 and c < 0xC2) or c > 0xF4 then
      return false
    end
    for n = 1, more do
      local next = byte(said, at + n)
      if not next or next < 0x80 or next > 0xBF then
        return false
      end
    end
    at = at + more + 1
  end
  return true
end

-- The text of the value from `at` to `stop`, where it is a string or a scalar; nil for others.
-- The second result is true where it is a string that is none.
local function plain(text, at, stop)
  local c = byte(text, at)
  if c == QUOTE then
    local said = stop - at <= LONGEST_MODEL and unescaped(sub(text, at + 1, stop - 1))
    if said and is_text(said) then
      return said, false
    end
    return nil, true
  elseif c == OPEN_OBJECT or c == OPEN_LIST then
    return nil, false
  end
  local word = sub(text, at, stop)
  if word == "null" then
    return nil, false
  end
  return word, false
end

local KEY = '^[ \t\r\n]*"([^"\\]*)"[ \t\r\n]*:[ \t\r\n]*()'
local NEXT = "^[ \t\r\n]*([,}])()"

-- The key that follows at `at`, if it has escapes, and the place of its value; nil where there is none.
local function escaped_key(text, at)
  at = skip(text, at)
  local stop = byte(text, at) == QUOTE and string_end(text, at)
  if not stop then
    return nil
  end
  local key = stop - at <= LONGEST_KEY + 1 and unescaped(sub(text, at + 1, stop - 1))
  at = skip(text, stop + 1)
  if byte(text, at) ~= COLON then
    return nil
  end
  return key, skip(text, at + 1)
end

-- "model" and "stream" of the JSON `text`; nil where they are missing. The third result is true where the text
-- is not JSON, as far as one can tell without looking into values.
function read_body(text)
  local at = skip(text, sub(text, 1, 3) == "\239\187\191" and 4 or 1)
  if byte(text, at) ~= OPEN_OBJECT then
    local stop = value_end(text, at)
    return nil, nil, not stop or skip(text, stop + 1) <= #text
  end
  local model, stream
  local empty = skip(text, at + 1)
  if byte(text, empty) == CLOSE_OBJECT then
    return nil, nil, skip(text, empty + 1) <= #text
  end
  while true do
    local key, value = match(text, KEY, at + 1)
    if not key then
      key, value = escaped_key(text, at + 1)
    end
    local stop = value and value_end(text, value)
    if not stop then
      return nil, nil, true
    end
    if key == "model" then
      local bad
      model, bad = plain(text, value, stop)
      if bad then
        return nil, nil, true
      end
    elseif key == "stream" then
      stream = sub(text, value, stop)
    end
    local separator, after = match(text, NEXT, stop + 1)
    if not separator then
      return nil, nil, true
    elseif separator == "}" then
      return model, stream, skip(text, after) <= #text
    end
    at = after - 1
  end
end

-- Whether a content type is application/json or application/SOMETHING+json, with or without parameters.
local function is_json(content_type)
  local kind = content_type and match(content_type, "^application/([^;]*)")
  return kind ~= nil and (kind == "json" or find(kind, "^[%l.-]+%+json$") ~= nil)
end

function envoy_on_request(handle)
  if not is_json(handle:headers():get("content-type")) then
    return
  end
  local body = handle:body()
  if not body then
    return
  end
  local model, stream, bad = read_body(body:getBytes(0, body:length()))
  local metadata = handle:streamInfo():dynamicMetadata()
  if bad then
    metadata:set("llm.request", "error", "bad_json")
  elseif model then
    metadata:set("llm.request", "model", model)
  end
  if stream == "true" then
    metadata:set("llm.request", "stream", "true")
  end
end
